"""Whether a project of Java needs its build tool: Maven and Gradle bring packages, and none of them is run here."""

import re
from typing import Final

BUILD_FILE: Final = re.compile(r"(^|/)(pom\.xml|build\.gradle(\.kts)?)$")
_MAVEN = re.compile(r"<dependency>(.*?)</dependency>", re.DOTALL)
_GROUP = re.compile(r"<groupId>\s*([^<\s]+)\s*</groupId>\s*<artifactId>\s*([^<\s]+)", re.DOTALL)
_PARENT = re.compile(r"<parent>(.*?)</parent>", re.DOTALL)
_GRADLE = re.compile(
    r"^\s*(?:implementation|api|compileOnly|runtimeOnly|annotationProcessor|testImplementation)\s*\(?\s*(?:platform\()?[\"']([^\"']+)[\"']",
    re.MULTILINE,
)
# What the tests run on comes from elsewhere.
_OWN = ("org.junit", "org.opentest4j", "org.apiguardian")


def needs_a_build(path: str, text: str) -> str:
    """Why the compiler alone cannot do, '' when it can."""
    if path.endswith("pom.xml"):
        tool = "Maven"
        blocks = [*_MAVEN.findall(text), *_PARENT.findall(text)]
        asked = [":".join(found.groups()) for block in blocks if (found := _GROUP.search(block))]
    else:
        tool = "Gradle"
        asked = _GRADLE.findall(text)
    asked = sorted({each for each in asked if not each.startswith(_OWN)})
    if not asked:
        return ""
    more = f" and {len(asked) - 3} more" if len(asked) > 3 else ""
    return f"{path} asks for {', '.join(asked[:3])}{more}, and {tool} is not run here, since it brings programs that run while it builds"
