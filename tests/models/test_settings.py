"""What the environment says about the model servers."""

import pytest

from codegod_models import BadSetting, ModelSettings
from codegod_models.settings import is_loopback, ollama_url


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("gpu-box", "http://gpu-box:11434"),
        ("gpu-box:8080", "http://gpu-box:8080"),
        (":8080", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:11434"),  # noqa: S104
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("[::]:8080", "http://[::1]:8080"),
        ("[fe80::1]", "http://[fe80::1]:11434"),
        ("http://gpu-box", "http://gpu-box:80"),
        ("https://gpu-box/", "https://gpu-box:443"),
        ("http://gpu-box:8080/ollama/", "http://gpu-box:8080/ollama"),
    ],
)
def test_every_form_of_ollama_host_is_understood(host: str, url: str) -> None:
    assert ollama_url(host) == url


@pytest.mark.parametrize("host", ["ftp://gpu-box", "gpu-box:port", "http://gpu-box:99999"])
def test_a_host_that_is_none_is_refused_by_name(host: str) -> None:
    with pytest.raises(BadSetting, match="OLLAMA_HOST"):
        ollama_url(host)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:1", True),
        ("http://127.8.0.1", True),
        ("http://[::1]:1", True),
        ("http://localhost:1", True),
        ("https://api.anthropic.com", False),
        ("http://10.0.0.1", False),
    ],
)
def test_loopback_is_recognised(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


def test_settings_come_from_the_environment_and_hide_the_keys() -> None:
    settings = ModelSettings.from_environment(
        {
            "ANTHROPIC_API_KEY": " secret ",
            "OLLAMA_HOST": "gpu",
            "CODEGOD_NUM_CTX": "8192",
            "CODEGOD_IDLE_SECONDS": "400",
        }
    )
    assert (settings.anthropic_api_key, settings.ollama_host, settings.num_ctx) == ("secret", "gpu", 8192)
    assert settings.idle_seconds == settings.first_seconds == 400
    assert "secret" not in repr(settings)


@pytest.mark.parametrize("value", ["many", "0", "-1", "nan", "inf"])
def test_a_number_that_is_none_is_refused_by_name(value: str) -> None:
    with pytest.raises(BadSetting, match=f"CODEGOD_NUM_CTX='{value}'"):
        ModelSettings.from_environment({"CODEGOD_NUM_CTX": value})
