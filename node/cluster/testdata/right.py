"""A node of the course in Python that does everything right: the base of the wrong ones."""
import json
import os
import sys


class Node:
    def __init__(self):
        self.state = {}  # by participant: [promised, accepted ballot, accepted value]
        self.next_id = 0
        if os.path.exists("state.json"):
            with open("state.json") as f:
                self.state = json.load(f)

    def save(self):
        with open("state.new", "w") as f:
            json.dump(self.state, f)
            f.flush()
            os.fsync(f.fileno())
        os.rename("state.new", "state.json")

    def send(self, src, dest, body):
        print(json.dumps({"src": src, "dest": dest, "body": body}), flush=True)

    def reply(self, msg, body):
        body["in_reply_to"] = msg["body"]["msg_id"]
        body["msg_id"] = self.next_id
        self.next_id += 1
        self.send(msg["dest"], msg["src"], body)

    def may_promise(self, s, ballot):
        return ballot >= s[0]

    def may_accept(self, s, ballot):
        return ballot >= s[0]

    def promise(self, msg, s, ballot):
        self.reply(msg, {"type": "promise", "acceptor": msg["dest"], "proposal_id": ballot,
                         "accepted_value": s[2], "accepted_proposal_id": s[1] or None})

    def prepare(self, msg):
        body = msg["body"]
        s = self.state.setdefault(body["participant"], [0, 0, None])
        if self.may_promise(s, body["proposal_id"]):
            s[0] = body["proposal_id"]
            self.save()
            self.promise(msg, s, s[0])

    def accept(self, msg):
        body = msg["body"]
        s = self.state.setdefault(body["participant"], [0, 0, None])
        if self.may_accept(s, body["proposal_id"]):
            s[:] = [body["proposal_id"], body["proposal_id"], body["value"]]
            self.save()
            self.reply(msg, {"type": "accepted", "acceptor": msg["dest"],
                             "proposal_id": s[1], "value": s[2]})

    def decide(self, msg, outcomes):
        for participant, outcome in zip(msg["body"]["participants"], outcomes):
            self.send(msg["dest"], participant, {"type": outcome})

    def begin(self, msg):
        body = msg["body"]
        self.reply(msg, {"type": "paxos_commit_begin_ok"})
        poor = any(op["transfer"] > 1000 for op in body["operations"])
        self.decide(msg, ["do_abort" if poor else "do_commit"] * len(body["participants"]))

    def run(self):
        for line in sys.stdin:
            msg = json.loads(line)
            kind = msg["body"]["type"]
            if kind == "init":
                self.reply(msg, {"type": "init_ok"})
            elif kind == "prepare":
                self.prepare(msg)
            elif kind == "accept":
                self.accept(msg)
            elif kind == "paxos_commit_begin":
                self.begin(msg)


if __name__ == "__main__":
    Node().run()
