"""Keeps what it promises in memory only."""
from right import Node


class Forgetful(Node):
    def save(self):
        pass


Forgetful().run()
