"""What JSON Schema cannot say of our bodies, for schemathesis: integers are written without a fraction.

JSON Schema takes 4375.0 for an integer. The ledger takes only what RFC 8785 would write of it, 4375, and refuses the
other spelling by name; tests/vectors.rs shows that.
"""

import schemathesis


def whole(value):
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: whole(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [whole(inner) for inner in value]
    return value


@schemathesis.hook
def map_body(context, body):
    return whole(body)
