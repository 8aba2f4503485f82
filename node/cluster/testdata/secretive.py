"""Promises without saying in which proposal it accepted what it has accepted, as the course has it."""
from right import Node


class Secretive(Node):
    def promise(self, msg, s, ballot):
        self.reply(msg, {"type": "promise", "acceptor": msg["dest"], "proposal_id": ballot,
                         "accepted_value": s[2]})


Secretive().run()
