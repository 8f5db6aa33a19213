"""What the words after `--master` and `--worker` mean."""

import pytest

from codegod_models import BadModelName, ModelName, parse_model


@pytest.mark.parametrize(
    ("text", "provider", "model"),
    [
        ("claude-sonnet-5-5", "anthropic", "claude-sonnet-5-5"),
        ("claude-sonnet-4.5", "anthropic", "claude-sonnet-4-5"),
        ("anthropic:claude-opus-5.5", "anthropic", "claude-opus-5-5"),
        ("Anthropic:claude-opus-5-5", "anthropic", "claude-opus-5-5"),
        ("gpt-4", "openai", "gpt-4"),
        ("openai:qwen/qwen3", "openai", "qwen/qwen3"),
        ("ollama:gpt-oss:20b", "ollama", "gpt-oss:20b"),
        ("phi-3:3b", "ollama", "phi-3:3b"),
        ("mistral:7b", "ollama", "mistral:7b"),
        ("llama3.2", "ollama", "llama3.2"),
        ("hf.co/Qwen/Qwen2.5-Coder-7B-GGUF:Q4_K_M", "ollama", "hf.co/Qwen/Qwen2.5-Coder-7B-GGUF:Q4_K_M"),
        ("host", "host", ""),
        ("host:claude-desktop", "host", "claude-desktop"),
        ("  qwen2.5-coder:7b ", "ollama", "qwen2.5-coder:7b"),
    ],
)
def test_a_prefix_is_a_provider_only_if_it_is_one(text: str, provider: str, model: str) -> None:
    name = parse_model(text)
    assert (name.provider, name.model, name.simulated) == (provider, model, False)


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("simulator", ""),
        ("simulator:", ""),
        ("simulator:/srv/my projects/notes", "/srv/my projects/notes"),
        ("simulator:C:\\notes", "C:\\notes"),
    ],
)
def test_a_simulator_is_marked_as_simulated(text: str, folder: str) -> None:
    assert parse_model(text) == ModelName("simulator", folder, simulated=True)


@pytest.mark.parametrize(
    "text", ["", "  ", "anthropic:", "ollama:", "openai:", "anthropic", "qwen 2.5", "a\nb"]
)
def test_what_names_no_model_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadModelName, match="ollama:qwen2\\.5-coder:7b") as caught:
        parse_model(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    "text", ["anthropic:claude-opus-5-5", "ollama:qwen2.5-coder:7b", "host", "simulator"]
)
def test_a_shown_name_reads_back_as_itself(text: str) -> None:
    assert str(parse_model(text)) == text


def test_a_simulated_client_never_shows_or_reads_back_as_a_real_model() -> None:
    shown = str(ModelName("ollama", "qwen2.5-coder:7b", simulated=True))
    assert shown == "simulator:qwen2.5-coder:7b"
    assert parse_model(shown).simulated
