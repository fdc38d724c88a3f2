# Validates and dumps a model in itself, in Rust.
# outcome: raised

from pydantic import BaseModel


class Node(BaseModel):
    child: "Node | None" = None


def main():
    nested = {}
    for _ in range(10_000):
        nested = {"child": nested}
    Node.model_validate(nested)
