"""How a message leaves the house: one module per channel, all behind the contract in `contract.py`."""
