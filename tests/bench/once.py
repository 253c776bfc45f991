"""Runs a program once:   once.py COMMAND...     prints its wall-clock seconds and the most memory it had resident, in MB (10^6 bytes)."""
import resource
import subprocess
import sys
import time

start = time.monotonic()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
seconds = time.monotonic() - start
if done.returncode:
    sys.stderr.buffer.write(done.stderr)
    sys.exit(done.returncode)
print(f"{seconds:.4f} {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6:.1f}")
