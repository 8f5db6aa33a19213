from codegod_orchestrator.documents import relative_links


def test_relative_links_are_found_outside_fences_and_others_are_left_alone() -> None:
    text = """
See [usage](docs/usage.md#start) and [home](https://example.org), ![logo](logo.png), [root](/etc/passwd).

```
[not](a/link.md)
```
Again [usage](docs/usage.md), [up](../x.md), [mail](mailto:a@b.c), [here](#top).
"""
    assert relative_links("README.md", text) == ("docs/usage.md",)
    assert relative_links("docs/a.md", "[b](b.md)") == ("docs/b.md",)
