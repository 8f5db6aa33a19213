"""The end of a build: what an application needs besides its code, and its delivery."""
