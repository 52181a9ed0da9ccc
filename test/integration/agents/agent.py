"""The Python agent: does the acts of acts.json, each as it comes, and prints the verdicts. agent.py PACKAGE ACTS OUTSIDE"""

import errno
import json
import sys

sys.dont_write_bytecode = True
package, acts, outside = sys.argv[1:4]
sys.path.insert(0, package)

import sallyport  # noqa: E402


def write(broker, act):
    with broker.open(act["path"], "w") as file:
        file.write(act["text"])


def read(broker, act):
    with broker.open(act["path"]) as file:
        found = file.read()
    assert found == act["text"], found


def transaction(broker, act):
    with broker.transaction(act["path"]) as whole:
        whole.file.write(act["text"])


def read_cell(broker, act):
    ((found,),) = broker.read_cells(act["path"], "Sheet1", (0, 0, 0, 0))
    assert found == act["text"], found


ACTS = {
    "read-cell": read_cell,
    "write-cell": lambda broker, act: broker.write_cells(act["path"], "Sheet1", (0, 0), [[act["text"]]]),
    "write": write,
    "read": read,
    "transaction": transaction,
    "stat": lambda broker, act: broker.stat(act["path"]),
    "list": lambda broker, act: broker.listdir(act["path"]),
    "mkdir": lambda broker, act: broker.mkdir(act["path"]),
    "rename": lambda broker, act: broker.rename(act["path"], act["to"]),
    "link": lambda broker, act: broker.link(act["path"], act["to"]),
    "symlink": lambda broker, act: broker.symlink(act["to"], act["path"]),
    "chmod": lambda broker, act: broker.chmod(act["path"], act["mode"]),
    "truncate": lambda broker, act: broker.truncate(act["path"], act["size"]),
    "unlink": lambda broker, act: broker.unlink(act["path"]),
}


def do(broker, act):
    try:
        ACTS[act["act"]](broker, act)
        return {"name": act["name"], "ok": True}
    except sallyport.BrokerError as error:
        rule = "" if error.denial is None else error.denial.rule
        return {"name": act["name"], "ok": False, "code": error.code, "errno": errno.errorcode[error.errno], "rule": rule}


with sallyport.connect() as broker, open(acts) as file:
    for act in json.loads(file.read().replace("${outside}", outside))["acts"]:
        print(json.dumps(do(broker, act)), flush=True)
