"""The pages for whoever opens a bundle: what lies in it, and how to check it. Pure.

The dictionary of the public table is made from the list its columns are written by.
"""

from sinks.bundle import layout
from sinks.bundle.ballots import MEANINGS, MEANINGS_BY_ROUTE
from sinks.bundle.layout import AUDITOR, PUBLIC


_PROGRAM = """
import csv, hashlib, io, json, zipfile
from collections import Counter

def require(holds, *place):
    if not holds:
        raise SystemExit(f"NOT EQUAL: {place!r}")

bundle = zipfile.ZipFile("BUNDLE.zip")
manifest = json.loads(bundle.read("manifest.json"))
for name, file in manifest["files"].items():
    require(hashlib.sha256(bundle.read(name)).hexdigest() == file["sha256"], name)
"""
_PUBLIC_PROGRAM = """
counts, events = {}, 0
with io.TextIOWrapper(bundle.open("ballots.csv"), "utf-8", newline="") as table:
    rows = list(csv.DictReader(table))
for row in rows:
    held = counts.setdefault(row["proposal"], Counter())
    held["received"] += int(row["received"])
    events += int(row["events"])
    if row["choice"] and not row["set_aside"]:
        held.update([row["choice"], *row["qualifications"].split()])
for proposal in json.loads(bundle.read("results/results.json"))["proposals"]:
    held, counted = counts.get(proposal["id"], Counter()), proposal["counted"]
    require(proposal["received"] == held["received"], proposal["id"])
    for name in ("agree", "disagree", "neutral"):
        require(counted[name] == held[name], proposal["id"], name)
    for name, number in counted["qualifications"].items():
        require(number == held[name], proposal["id"], name)

leaves = Counter()
for number, last in enumerate(manifest["as_of"]["votes"]):
    data, at = bundle.read(f"logs/votes/{number}/entries"), 0
    for offset in range(last + 1):
        end = at + 2 + int.from_bytes(data[at:at + 2], "big")
        leaves[data[at + 2:end - 33].decode()] += 1
        at = end
print(dict(leaves), "records in the log;", events, "accounted for by rows")
"""
_AUDITOR_PROGRAM = """
for number, last in enumerate(manifest["as_of"]["votes"]):
    votes, entries = (bundle.read(name) for name in (
        f"records/votes/{number}", f"logs/votes/{number}/entries"))
    at = entry = 0
    for offset in range(last + 1):
        size = int.from_bytes(votes[at + 8:at + 12], "big")
        value = b"" if size == 2**32 - 1 else votes[at + 12:at + 12 + size]
        at += 12 + len(value)
        end = entry + 2 + int.from_bytes(entries[entry:entry + 2], "big")
        require(hashlib.sha256(value).digest() == entries[end - 32:end], number, offset)
        entry = end
print("every record is the one in its log")
"""

_ENGLISH = {
    "title": "Bundle of the consultation {name}",
    PUBLIC: "A **public** bundle: a row for each vote, under a pseudonym of its own.",
    AUDITOR: "An **auditor's** bundle: every record as it lies in the log, with pseudonyms of "
             "voters, of all consultations of this log. It is not for publication.",
    "verify": "Verify",
    "whole": "With scrutin installed (Python), offline, all of it:",
    "trust": "KEYS is the answer of `/log/…/policy` of the service that you or others kept from "
             "before: the keys in here vouch for nobody, and without `--policy` the command ends "
             "with exit code 6. It says of each number from what it was recomputed, or why it must "
             "be trusted, and where the first fault is. Give `--checkpoint`, too, with checkpoints "
             "that were kept.",
    "plain": "With Python alone, the hashes and what follows from them. Signatures, trees, rules "
             "and scores need scrutin.",
    "files": "Files", "rows": "Columns of ballots.csv", "column": "column", "meaning": "meaning",
    "file": "file", "by_route": "where rules 2 are in force",
    "formats": "A record is its offset (8 bytes), its size (4 bytes, big-endian; 2^32 - 1: no "
               "value) and its bytes: 0x00, the number of its schema (4 bytes; see "
               "schemas/ids.json), one Avro body. A record of the catalogue whose words are "
               "hidden begins with 0x01: the SHA-256 of the whole record, that of each wording in "
               "it, the record without its words. An entry is its size (2 bytes), then "
               "consultation, 0x00 and the SHA-256 of the record; entries are the leaves of the "
               "log's Merkle tree (RFC 6962). Notes and checkpoints: C2SP signed-note and "
               "tlog-checkpoint.",
}
_FRENCH = {
    "title": "Archive de la consultation {name}",
    PUBLIC: "Une archive **publique** : une ligne par vote, sous un pseudonyme qui ne sert "
            "qu'à elle.",
    AUDITOR: "Une archive **d'auditeur** : chaque enregistrement tel qu'il est dans le "
             "registre, avec les pseudonymes des votants, pour toutes les consultations de ce "
             "registre. Elle n'est pas destinée à la publication.",
    "verify": "Vérifier",
    "whole": "Avec scrutin installé (Python), hors ligne, tout :",
    "trust": "KEYS est la réponse de `/log/…/policy` du service, que vous ou d'autres avez gardée "
             "auparavant : les clés d'ici ne prouvent l'identité de personne, et sans `--policy` "
             "la commande finit par le code 6. Elle dit pour chaque nombre à partir de quoi il a "
             "été recalculé, ou pourquoi il faut s'y fier, et où est la première faute. Donnez "
             "aussi, avec `--checkpoint`, les points de contrôle qui ont été gardés.",
    "plain": "Avec Python seul, les empreintes et ce qui en découle. Signatures, arbres, règles "
             "et scores demandent scrutin.",
    "files": "Fichiers", "rows": "Colonnes de ballots.csv", "column": "colonne",
    "meaning": "sens", "file": "fichier", "by_route": "où les règles 2 sont en vigueur",
    "formats": "Un enregistrement est sa position (8 octets), sa taille (4 octets, gros-boutiste ; "
               "2^32 - 1 : sans valeur) et ses octets : 0x00, le numéro de son schéma (4 octets ; "
               "voir schemas/ids.json), un corps Avro. Un enregistrement du "
               "catalogue dont le texte est masqué commence par 0x01 : le SHA-256 de "
               "l’enregistrement entier, celui de chaque texte, l’enregistrement sans eux. Une "
               "entrée est sa taille (2 octets), puis "
               "la consultation, 0x00 et le SHA-256 de l'enregistrement ; les entrées sont les "
               "feuilles de l'arbre de Merkle du registre (RFC 6962). Notes et points de "
               "contrôle : C2SP signed-note et tlog-checkpoint.",
}
_FILES = {
    layout.RESULTS: ("the published results document", "le document des résultats publié"),
    layout.RESULTS_NOTE: ("its signed note", "sa note signée"),
    layout.POLICY: ("names and public keys of the logs", "noms et clés publiques des registres"),
    "logs/…/checkpoints": ("every signed head of a log, oldest first",
                           "chaque tête signée d'un registre, la plus ancienne d'abord"),
    "logs/…/entries": ("the leaves of a log", "les feuilles d'un registre"),
    layout.CATALOGUE: ("the consultation's records of the catalogue: texts, ideas, groupings",
                       "les enregistrements du catalogue : textes, idées, regroupements"),
    layout.KEYS: ("the catalogue's records that name the service's public keys",
                  "les enregistrements du catalogue qui nomment les clés publiques du service"),
    "records/votes/…": ("votes of a partition; in a public bundle only what closed and sealed",
                        "votes d'une partition ; dans une archive publique, la clôture seule"),
    "records/decisions/…": ("what the ledger made of each vote (auditor's bundle)",
                            "la décision prise sur chaque vote (archive d'auditeur)"),
    layout.BALLOTS: ("one row a vote (public bundle)", "une ligne par vote (archive publique)"),
    layout.LEAVES: ("leaves of the logs by consultation, up to the result",
                    "feuilles des registres par consultation, jusqu'au résultat"),
    "schemas/…": ("schemas of all records and of the results",
                  "schémas des enregistrements et des résultats"),
    layout.MANIFEST: ("every other file with its SHA-256", "chaque fichier avec son SHA-256"),
    layout.MANIFEST_NOTE: ("its signed note", "sa note signée"),
}
_IN_FRENCH = {
    "proposal": "identifiant de la proposition ; voir proposals dans results.json",
    "vote": "pseudonyme de ce vote, en hexadécimal : son votant en a un autre pour chaque autre "
            "proposition et dans chaque autre archive",
    "day": "jour du premier événement, dans le fuseau de la consultation ; vide si le choix n'est "
           "pas communiqué",
    "events": "enregistrements du registre : votes, retraits et qualifications",
    "received": "combien sont des votes",
    "choice": "agree (d'accord), disagree (pas d'accord) ou neutral ; vide si aucun n'est en "
              "vigueur ; withheld (non communiqué) si moins de 20 votants ayant une telle ligne "
              "partagent la cause d'une suspension",
    "qualifications": "qualifications en vigueur, séparées par une espace",
    "set_aside": "pourquoi le vote en vigueur est gardé sans être compté : unproven ou suspended ; "
                 "vide s'il est compté",
    "superseded": "votes remplacés par un autre choix", "withdrawn": "votes retirés",
    "unchanged": "votes qui refont le choix en vigueur", "repeated": "votes livrés à nouveau",
    "proven": "votes qui font compter un vote mis à part", "late": "votes après la clôture",
    "refused_misplaced": "refusé : dans la partition d'un autre",
    "refused_unproven_change": "refusé : sans preuve, et le vote en vigueur en a une",
    "refused_too_many": "refusé : le votant avait le plus grand nombre de votes",
    "route": "comment le votant est arrivé à la proposition : drawn (tirée au sort), asked "
             "(demandée) ou unknown (inconnu) ; vide si le vote ne compte pas",
    "rule": "numéro de la règle de surveillance qui met à part un vote suspendu ; vide sinon, et "
            "si le choix n'est pas communiqué",
}


def readmes(kind: str, consultation: str) -> dict[str, str]:
    """Write the pages, in English and in French."""
    return {
        "README.md": _page(kind, consultation, _ENGLISH, MEANINGS | MEANINGS_BY_ROUTE, 0),
        "LISEZMOI.md": _page(kind, consultation, _FRENCH, _IN_FRENCH, 1),
    }


def _page(
    kind: str, consultation: str, words: dict[str, str], columns: dict[str, str], language: int
) -> str:
    program = _PROGRAM + (_AUDITOR_PROGRAM if kind == AUDITOR else _PUBLIC_PROGRAM)
    lines = [
        f"# {words['title'].format(name=consultation)}", "", words[kind], "",
        f"## {words['verify']}", "", words["whole"], "",
        "    scrutin audit verify BUNDLE.zip --policy KEYS", "",
        words["trust"], "", words["plain"], "", "```python" + program + "```", "",
        f"## {words['files']}", "", f"| {words['file']} | {words['meaning']} |", "| --- | --- |",
        *(f"| `{name}` | {meanings[language]} |" for name, meanings in _FILES.items()), "",
        words["formats"], "",
    ]
    if kind != AUDITOR:
        lines += [f"## {words['rows']}", "", f"| {words['column']} | {words['meaning']} |",
                  "| --- | --- |",
                  *(f"| `{name}` | {columns[name]} |" for name in MEANINGS),
                  *(f"| `{name}` ({words['by_route']}) | {columns[name]} |"
                    for name in MEANINGS_BY_ROUTE), ""]
    return "\n".join(lines)
