"""What the comparison ran on, in the words of the kernel."""

import os
import platform
import re
from pathlib import Path

from cold import cache_bytes_of_this_machine

# What matrix products make use of, the most telling last.
EXTENSIONS = ["avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_bf16"]


def describe() -> dict:
    text = Path("/proc/cpuinfo").read_text()
    flags = set(re.search(r"^flags\s*:(.*)$", text, re.MULTILINE).group(1).split())
    pages = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    return {
        "cpu": re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE).group(1),
        "family_model": re.findall(r"^(?:cpu family|model)\s*:\s*(\d+)$", text, re.MULTILINE)[:2],
        "cpus": os.cpu_count(),
        "virtual": "hypervisor" in flags,
        "isa": ", ".join(e for e in EXTENSIONS if e in flags),
        "cache": f"{cache_bytes_of_this_machine() / 2**20:.0f} MiB",
        "memory_gib": round(int(memory.group(1)) / 2**20, 1),
        "kernel": platform.release(),
        "huge_pages": pages.read_text().strip() if pages.exists() else None,
        "python": platform.python_version(),
    }
