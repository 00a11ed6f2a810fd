"""The OpenAPI file of Twilio: which operation an exchange is, and what the exchange gets wrong.

The schemas of Twilio require no property and forbid none, so that nearly every object would pass. A simulator that
claims to show every documented field is held to more: in answers, every property of a schema must be there, and no
other.
"""

import copy
import json
import re
from collections.abc import Iterator
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry, Resource, Specification

Json = Any
FORM = "application/x-www-form-urlencoded"
FORMATS = copy.deepcopy(oas30_format_checker)


@FORMATS.checks("date-time-rfc-2822", raises=(TypeError, ValueError))
def _is_rfc_2822(value: Json) -> bool:
    # Written again it must be the same text: that catches a wrong weekday and another order, which reading forgives.
    return not isinstance(value, str) or format_datetime(parsedate_to_datetime(value)) == value


@FORMATS.checks("phone-number")
def _is_e164(value: Json) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"\+[1-9]\d{1,14}", value) is not None


class Operation(NamedTuple):
    """One operation of the specification; `place` is its JSON pointer."""

    id: str
    place: str
    node: Json


class OpenApi:
    """The specification as it is, and once more with strict objects, for answers."""

    def __init__(self, document: Json) -> None:
        self.document = document
        resources = {"urn:lenient": document, "urn:strict": _strict(document)}
        self._registry = Registry().with_resources(
            (name, Resource(contents, Specification.OPAQUE)) for name, contents in resources.items()
        )
        self._paths = [(_pattern(path), path) for path in document["paths"]]

    @classmethod
    def read(cls, path: Path) -> "OpenApi":
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def operation(self, method: str, path: str) -> Operation | None:
        for pattern, template in self._paths:
            node = self.document["paths"][template].get(method.lower())
            if node is not None and pattern.fullmatch(path):
                return Operation(node["operationId"], f"/paths/{_escaped(template)}/{method.lower()}", node)
        return None

    def faults_of_request(self, method: str, target: str, content_type: str | None, body: bytes) -> list[str]:
        """What is unknown or malformed in a request, of which Twilio itself would say nothing."""
        path, query = urlsplit(target).path, urlsplit(target).query
        operation = self.operation(method, path)
        if operation is None:
            return ["no such operation"]
        declared = enumerate(operation.node.get("parameters", []))
        place = f"{operation.place}/parameters"
        known = {part["name"]: f"{place}/{n}/schema" for n, part in declared if part["in"] == "query"}
        faults = list(self._parameters(known, parse_qsl(query, keep_blank_values=True)))
        form = operation.node.get("requestBody", {}).get("content", {}).get(FORM)
        if body and form is None:
            faults.append("a body where there is none")
        elif body and (content_type or "").partition(";")[0].strip() != FORM:
            faults.append(f"content type {content_type}")
        elif body:
            place = f"{operation.place}/requestBody/content/{_escaped(FORM)}/schema/properties"
            known = {name: f"{place}/{name}" for name in form["schema"]["properties"]}
            faults += self._parameters(known, parse_qsl(body.decode(), keep_blank_values=True))
        return faults

    def faults_of_answer(self, operation: Operation, status: int, content_type: str | None, body: bytes) -> list[str]:
        """What a success of this operation gets wrong."""
        response = operation.node["responses"].get(str(status))
        if response is None:
            return [f"{status} is not an answer of {operation.id}"]
        if "content" not in response:
            return [f"a body with {status}"] if body else []
        if (content_type or "").partition(";")[0] != "application/json":
            return [f"content type {content_type}"]
        try:
            value = json.loads(body)
        except ValueError as error:
            return [f"no JSON: {error}"]
        return self.faults_of_value(f"urn:strict#{_schema_of(operation, status)}", value)

    def examples(self) -> Iterator[tuple[Operation, str, Json]]:
        """Twilio's own examples of answers: operation, the schema that they should pass, value."""
        for template, item in self.document["paths"].items():
            for method, node in item.items():
                if method not in ("get", "post", "delete"):
                    continue
                operation = Operation(node["operationId"], f"/paths/{_escaped(template)}/{method}", node)
                for status, response in node["responses"].items():
                    content = response.get("content", {}).get("application/json", {})
                    for example in content.get("examples", {}).values():
                        yield operation, f"urn:lenient#{_schema_of(operation, status)}", example["value"]

    def faults_of_value(self, schema: str, value: Json) -> list[str]:
        validator = OAS30Validator({"$ref": schema}, registry=self._registry, format_checker=FORMATS)
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]

    def _parameters(self, known: dict[str, str], given: list[tuple[str, str]]) -> Iterator[str]:
        names = [name for name, _ in given]
        yield from (f"{name} is given twice" for name in sorted(set(names)) if names.count(name) > 1)
        for name, text in given:
            if name not in known:
                yield f"unknown parameter {name}"
                continue
            schema = f"urn:lenient#{known[name]}"
            faults = [self.faults_of_value(schema, reading) for reading in _readings(text)]
            if all(faults):
                yield f"{name}: {faults[0][0]}"


def _readings(text: str) -> list[Json]:
    """A parameter is text; 50 may stand for itself or for a number, and passes when one of them fits."""
    numbers = [int(text)] if re.fullmatch(r"\d+", text) else []
    booleans = [text == "true"] if text in ("true", "false") else []
    return [text, *numbers, *booleans]


def _strict(document: Json) -> Json:
    if isinstance(document, list):
        return [_strict(part) for part in document]
    if not isinstance(document, dict):
        return document
    strict = {key: _strict(part) for key, part in document.items()}
    if strict.get("type") == "object" and isinstance(strict.get("properties"), dict):
        strict |= {"required": sorted(strict["properties"]), "additionalProperties": False}
    return strict


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{\w+\}", template)
    return re.compile("[^/.]+".join(re.escape(part) for part in parts))


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _schema_of(operation: Operation, status: int | str) -> str:
    return f"{operation.place}/responses/{status}/content/application~1json/schema"
