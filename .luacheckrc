std = "lua54"
max_line_length = 180
exclude_files = { "build*" }
