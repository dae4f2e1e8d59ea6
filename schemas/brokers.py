"""What everybody says who finds no broker. Pure."""


def no_broker(address: str, error: object = "") -> str:
    """Say that no Kafka broker answers at an address, why, and what to do."""
    why = f" ({error})" if error else ""
    return (f"no Kafka broker answers at {address}{why}. Start the local stack with `scrutin up`, "
            "or set SCRUTIN_KAFKA to the address of a running broker, and SCRUTIN_KAFKA_PROTOCOL "
            "with what belongs to it as that broker asks: a line above says if it refused us.")
