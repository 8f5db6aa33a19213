"""A process that speaks the wire formats of Anthropic and Ollama and plays both from reference projects."""
