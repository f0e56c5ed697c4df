"""What a browser does with the task of a captcha."""

from __future__ import annotations

import json
from typing import Any

from altcha import Challenge, Payload, solve_challenge


def solution_of(challenge: dict[str, Any]) -> str:
    """What a browser sends."""
    task = Challenge.from_dict(json.loads(json.dumps(challenge)))
    found = solve_challenge(task)
    assert found is not None
    return Payload(task, found).to_base64()
