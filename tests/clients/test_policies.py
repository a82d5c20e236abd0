"""The compiled rules give the answers of Casbin as another language has it: pycasbin, on random policies.

`meshgate policy diff` from a mesh without rules to one with rules tells what every user and role may do. The same rows
are asked of pycasbin, with the model that the gateway has built in. (A test in Rust compares with Casbin for Rust.)
"""

import json
import random
import tempfile
import unittest
from pathlib import Path

import casbin
from casbin.model import Model

from processes import ROOT, meshgate

POLICIES = 60
# Names that mean something to a pattern, and a role that is called like a user.
ROLES = ["a", "b", "c", "d", "ann", "x.*", "*b", "[a-z]"]
USERS = ["ann", "bob", "a"]
TABLES = {"sales": {"orders": ["id", "email"], "orders2": ["id"]}, "hr": {"staff": ["id", "name", "email2"]}}

CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: {domain}-{table}
name: {table}
version: 1.0.0
status: active
domain: {domain}
servers:
  - server: source
    type: local
    path: data/nowhere
    format: delta
    customProperties:
      - property: meshRole
        value: source
schema:
  - name: {table}
    physicalType: table
    properties:
"""
PROPERTY = "      - name: {}\n        logicalType: string\n        physicalType: text\n"


def random_rows(dice, number):
    """The rows of one policy. Domains and names end in its number, so that many policies fit into one mesh."""
    rows = set()
    for _ in range(dice.randrange(16)):
        subject = f"user:{dice.choice(USERS)}" if dice.random() < 0.3 else f"role:{dice.choice(ROLES)}"
        domain = dice.choice(["sales", "sales", "hr"])
        table = dice.choice(list(TABLES[domain]))
        object_ = dice.choice(["*", table, table, f"{table}.{dice.choice(TABLES[domain][table])}"])
        actions = ["select", "select", "discover"] if "." in object_ else ["select", "select", "discover", "operate"]
        effect = dice.choice(["allow", "allow", "allow", "deny"])
        rows.add(("p", f"{subject}{number}", f"{domain}{number}", object_, dice.choice(actions), effect))
    for _ in range(dice.randrange(12)):
        place = dice.randrange(len(ROLES) - 1)
        # Only upwards, so that there is no ring.
        role = dice.choice(ROLES[place + 1:])
        member = f"user:{dice.choice(USERS)}" if dice.random() < 0.4 else f"role:{ROLES[place]}"
        domain = dice.choice([f"sales{number}", f"hr{number}", "*"])
        rows.add(("g", f"{member}{number}", f"role:{role}{number}", domain))
    return sorted(rows)


def object_match(asked, written):
    """`objMatch` of the model: `*` covers everything of a domain, a table its columns."""
    return written in ("*", asked, asked.split(".")[0])


def enforcer(rows):
    """pycasbin over these rows."""
    model = Model()
    model.load_model(str(ROOT / "policies" / "src" / "model.conf"))
    engine = casbin.Enforcer(model)
    engine.add_function("objMatch", object_match)
    engine.get_role_manager().add_domain_matching_func(lambda asked, written: written in ("*", asked))
    for kind, *fields in rows:
        if kind == "g":
            engine.add_grouping_policy(*fields)
            continue
        engine.add_policy(*fields)
        subject, domain, object_, action, effect = fields
        # Who may not discover a thing may not select it, and a column that is denied to a select is hidden.
        other = {"discover": "select", "select": "discover"}.get(action)
        if effect == "deny" and (action == "discover" or (action == "select" and "." in object_)):
            engine.add_policy(subject, domain, object_, other, effect)
    return engine


def answers(engine, subject, domain, table, columns):
    """What pycasbin lets a subject do with a table: the actions, and the columns that exist."""
    def may(action):
        return [name for name in columns if engine.enforce(subject, domain, f"{table}.{name}", action)]
    select, discover, operate = may("select"), may("discover"), may("operate")
    seen = select or discover
    actions = {"discover": seen, "select": select, "operate": operate}
    return {action for action, allowed in actions.items() if allowed}, seen


def write_mesh(folder, rules):
    """A mesh with the domains of every policy, and these rules."""
    for number in range(POLICIES):
        for domain, tables in TABLES.items():
            place = folder / "catalog" / f"{domain}{number}"
            place.mkdir(parents=True)
            for table, columns in tables.items():
                text = CONTRACT.format(domain=f"{domain}{number}", table=table)
                (place / f"{table}.odcs.yaml").write_text(text + "".join(map(PROPERTY.format, columns)))
    (folder / "mesh.toml").write_text('name = "random"\n')
    (folder / "policies").mkdir()
    (folder / "policies" / "rules.csv").write_text("".join(", ".join(row) + "\n" for row in rules))


def told(folder, rules):
    """What `meshgate policy diff` says that everybody gains: actions and columns by subject and table."""
    write_mesh(folder / "old", [])
    write_mesh(folder / "new", rules)
    found = {}
    for entry in json.loads(meshgate("policy", "diff", folder / "old", folder / "new", "--format", "json")):
        kind = "user" if "user" in entry else "role"
        changes = entry["changes"]
        actions = {change["action"] for change in changes if change["change"] == "action gained"}
        columns = [change["column"] for change in changes if change["change"] == "column gained"]
        found[f"{kind}:{entry[kind]}", entry["table"]] = actions, columns
    return found


class Policies(unittest.TestCase):
    def test_the_compiled_rules_give_pycasbins_answers(self):
        dice = random.Random(20250101)
        policies = [random_rows(dice, number) for number in range(POLICIES)]
        with tempfile.TemporaryDirectory() as folder:
            found = told(Path(folder), [row for rows in policies for row in rows])
        asked = allowed = 0
        for number, rows in enumerate(policies):
            engine = enforcer(rows)
            subjects = [f"user:{name}{number}" for name in USERS] + [f"role:{name}{number}" for name in ROLES]
            for subject in subjects:
                for domain, tables in TABLES.items():
                    for table, columns in tables.items():
                        expected = answers(engine, subject, f"{domain}{number}", table, columns)
                        actual = found.pop((subject, f"{domain}{number}.{table}"), (set(), []))
                        self.assertEqual(actual, expected, f"{subject} {domain}{number}.{table} with {rows}")
                        asked, allowed = asked + 1, allowed + bool(expected[0])
        self.assertEqual(found, {}, "told of nobody else")
        self.assertGreater(allowed, asked / 20, "the policies are worth testing")
        self.assertLess(allowed, asked / 2, "the policies are worth testing")


if __name__ == "__main__":
    unittest.main()
