"""What importing the package costs."""

import subprocess
import sys


def test_importing_the_package_loads_no_client_library() -> None:
    code = "import sys, codegod_models; print(sorted({'anthropic', 'ollama', 'httpx', 'httpx2'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
