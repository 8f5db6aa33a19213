"""What runs inside the sandbox: this package travels there as a zip file, so it imports the standard library only.

The one exception is PyYAML, which travels along.
"""
