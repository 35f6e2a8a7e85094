"""What JSON Schema cannot say of our bodies, for schemathesis.

JSON Schema takes 4375.0 for an integer. The ledger takes only what RFC 8785 would write of it, 4375, and refuses the
other spelling by name; tests/vectors.rs shows that. And a time is well formed in any year, while the ledger takes those
from 1970 to 2255.
"""

import re

import schemathesis

TIME = re.compile(r"^[0-9]{4}(-[0-9]{2}-[0-9]{2}T[0-9:]{8}.*)$")


def whole(value):
    if isinstance(value, str) and (time := TIME.match(value)) and not "1971" <= value[:4] <= "2254":
        return "2024" + time[1]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: whole(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [whole(inner) for inner in value]
    return value


@schemathesis.hook
def before_call(context, case, kwargs):
    case.body = whole(case.body)
