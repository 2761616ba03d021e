"""What the OpenAPI description says about errors, files and bodies that are read as streams."""

from .problems import PROBLEMS

MEANING = {
    400: "The request or a name in it is not allowed",
    401: "No token, or one that the hub does not know",
    403: "Not allowed",
    404: "There is none, or none for you",
    408: "The upload took too long",
    409: "The due date passed, or no attempts are left",
    413: "Larger than the limits",
    415: "Not multipart/form-data",
    422: "The Idempotency-Key was used for other files",
    429: "Too much in a short time",
    500: "The service failed",
    503: "Try again: disk, database or hub do not answer",
}
GROUPS = {
    "upload": (408, 413, 415),
    "refused": (409, 422, 429),
    "json": (413,),
    "not_found": (404,),
    "not_allowed": (403,),
}


def problems(*kinds: str, token: bool = True) -> dict:
    """Return the error answers of an operation for FastAPI's `responses`."""
    found = {400, 500, 503} | ({401, 403} if token else set())
    for kind in kinds:
        found |= set(GROUPS[kind])
    return {status: _answer(status) for status in sorted(found)}


def _answer(status: int) -> dict:
    codes = sorted(code for code, (of, *_) in PROBLEMS.items() if of == status)
    answer = {
        "description": f"{MEANING[status]}: {', '.join(codes)}",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
    if status in (429, 503):
        answer["headers"] = {
            "Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}
        }
    return answer


def file_answer() -> dict:
    """Return the answer that is a file."""
    content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    return {
        200: {"description": "The file", "content": content},
        206: {"description": "A part of the file, for a request with Range", "content": content},
        416: {"description": "The file has no such part"},
    }


def body_of_files() -> dict:
    """Return the description of a body with files."""
    item = {"type": "string", "format": "binary", "description": "file name: the relative path"}
    schema = {
        "type": "object",
        "required": ["files"],
        "properties": {"files": {"type": "array", "items": item, "minItems": 1}},
    }
    return {
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": schema}},
        }
    }


def body_of_policy() -> dict:
    """Return the description of a body with a policy."""
    reference = {"$ref": "#/components/schemas/PolicyIn"}
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": reference}}}
    }
