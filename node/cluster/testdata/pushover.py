"""Accepts proposals below its promise."""
from right import Node


class Pushover(Node):
    def may_accept(self, s, ballot):
        return True


Pushover().run()
