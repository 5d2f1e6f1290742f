"""How implementations are plugged in: the protocol, what they declare, and the gate before them."""
