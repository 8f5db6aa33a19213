"""A process that speaks the wire formats of Anthropic, OpenAI and Ollama and plays them from reference projects."""
