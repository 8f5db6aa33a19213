"""What languages besides Python need: their manifests, their packages, and the tools that check them."""
