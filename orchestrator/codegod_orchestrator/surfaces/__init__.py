"""What source files let others use, read from their syntax: Python, TypeScript, JavaScript, Go."""
