"""What no statement may do, whoever sends it: reach a file, a program or another machine.

Theory of operation: three walls, each without the others. The engine's own: it runs every
statement as a user with the rights listed here, none of them on sources (FILE, URL, S3, REMOTE …),
dictionaries, functions, users or SYSTEM, and with settings that name files fixed; rights come from
a file that no statement can write. INFILE and OUTFILE are the client's business in ClickHouse, and
this engine is its own client: the words are refused wherever they stand, as is the table function
that reads Python's variables. And the kernel's (`landlock`): whatever the engine may be talked
into, as by the function `file()`, which asks for no right, this process opens nothing but its own
folder, programs' libraries and a few facts about the machine, starts no program and connects to
nobody. A kernel without Landlock is said in the log: then only who knows the password stands
before `file()`.
"""

import html
import re
import sysconfig
from collections.abc import Iterable
from pathlib import Path

import deploy
from deploy.local import landlock
from deploy.machine.files import FOLDER_MODE


GRANTS = (
    "SHOW", "SELECT", "INSERT", "ALTER TABLE", "ALTER VIEW", "CREATE DATABASE", "CREATE TABLE",
    "CREATE VIEW", "CREATE TEMPORARY TABLE", "DROP DATABASE", "DROP TABLE", "DROP VIEW",
    "TRUNCATE", "OPTIMIZE", "CHECK", "KILL QUERY",
)
"""All that archive, recounts and people who look need."""
ENGINES = ("MergeTree", "Memory")
RIGHTS = (f"GRANT {', '.join(GRANTS)} ON *.*",
          *(f"GRANT TABLE ENGINE ON {engine}" for engine in ENGINES))
FIXED_SETTINGS = (
    "format_schema", "format_schema_source", "format_schema_message_name", "output_format_schema",
    "format_template_row", "format_template_resultset", "format_avro_schema_registry_url",
    "input_format_record_errors_file_path", "rename_files_after_processing", "url_base",
    "dynamic_disk_allow_from_env", "dynamic_disk_allow_from_zk", "dynamic_disk_allow_include",
    "default_normal_view_sql_security", "default_materialized_view_sql_security",
    "merge_tree_disk", "merge_tree_storage_policy", "merge_tree_table_disk",
)
"""Settings by which a statement would name a file, a disk, an address or somebody else's rights."""
SELDOM = {"memory_worker_period_ms": 1_000}
"""What the engine does by itself, and how often: else it looks at its memory twenty times a second,
which costs as much as everything else it does while nobody asks."""
REFUSED_WORDS = re.compile(r"infile|outfile|python", re.IGNORECASE)

_READABLE = (
    "/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/etc/ld.so.cache",
    "/usr/share/zoneinfo", "/etc/localtime", "/dev/null", "/dev/urandom",
    # The size of this machine, by which engine and allocator choose threads and pages.
    "/sys/devices/system", "/sys/fs/cgroup", "/sys/kernel/mm/transparent_hugepage/enabled",
    "/proc/sys/vm/overcommit_memory",
    # Where this process lies in memory. Without the second the engine looks for it behind the
    # environment, which we have moved by then: it would read anything, and crash now and then.
    "/proc/self/maps", "/proc/self/auxv",
)


class StatementRefusedError(Exception):
    """Tell which word a statement may not contain."""


def require_harmless(statement: str) -> None:
    """Raise `StatementRefusedError` for a word whose meaning the engine does not guard itself.

    Also inside of texts, for nobody else reads statements exactly as the engine does; a text that
    needs the word comes as a parameter of the query.
    """
    if found := REFUSED_WORDS.search(statement):
        raise StatementRefusedError(
            f"a statement may not contain {found[0]!r} here: send data as the body of an INSERT, "
            "read results from the answer, and give texts with this word as query parameters")


def write_configuration(folder: Path, rights: Iterable[str] = RIGHTS) -> Path:
    """Write the engine's configuration with its one user, who may do this; return its path."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    users, configuration = folder / "users.xml", folder / "config.xml"
    fixed = "".join(f"<{name}><readonly/></{name}>" for name in FIXED_SETTINGS)
    users.write_text(
        "<clickhouse>\n"
        f"<profiles><default><constraints>{fixed}</constraints></default></profiles>\n"
        "<users><default><password></password><networks><ip>127.0.0.1</ip><ip>::1</ip></networks>"
        "<profile>default</profile><quota>default</quota>"
        f"<grants>{''.join(f'<query>{right}</query>' for right in rights)}</grants>"
        "</default></users>\n<quotas><default></default></quotas>\n</clickhouse>\n")
    configuration.write_text(
        f"<clickhouse><users_config>{_escaped(users)}</users_config>"
        f"<user_scripts_path>{_escaped(folder / 'no scripts')}/</user_scripts_path>"
        f"{''.join(f'<{name}>{value}</{name}>' for name, value in SELDOM.items())}</clickhouse>\n")
    return configuration


def confine(*, readable: Iterable[Path], writable: Iterable[Path]) -> bool:
    """Shut this process, and every thread it starts from now on, into its folders.

    Call before the engine is imported. False where the kernel has no Landlock.
    """
    paths = sysconfig.get_paths()
    libraries = [Path(paths[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    ours = [Path(each) for each in deploy.__path__]
    known = [Path(each) for each in _READABLE]
    return landlock.confine(readable=[*libraries, *ours, *known, *readable], writable=writable)


def _escaped(path: Path) -> str:
    return html.escape(str(path), quote=False)
