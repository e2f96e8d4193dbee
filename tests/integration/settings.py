"""truefrom's configuration from Python data.

A dict inside is a section; a key such as 'domain "example.com"' a section with a title.
"""

import json


def _value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "{" + ", ".join(_value(item) for item in value) + "}"
    return json.dumps(value)


def render(settings, indent=""):
    """The text of a configuration file."""
    lines = []
    for key, value in settings.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key} {{", render(value, indent + "    ").rstrip("\n"),
                      f"{indent}}}"]
        else:
            lines.append(f"{indent}{key} = {_value(value)}")
    return "\n".join(lines) + "\n"


def merge(base, changes):
    """The settings of base with those of changes over them."""
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged
