"""The package inside a real run; started by test/integration/python_package.test.ts in a workspace of its own.

python3 test_in_run.py OUTSIDE, where OUTSIDE is a directory that no rule grants.
"""

import errno
import os
import sys
import threading
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import sallyport  # noqa: E402

OUTSIDE = Path(sys.argv.pop(1))


class InRun(unittest.TestCase):
    def setUp(self) -> None:
        self.broker = sallyport.connect()
        self.addCleanup(self.broker.close)

    def test_open_gives_ordinary_files(self) -> None:
        with self.broker.open("text", "w", encoding="utf-8", newline="\n") as file:
            file.write("é\n")
            self.assertFalse(os.get_inheritable(file.fileno()))
        with self.broker.open(Path("text"), "a+b") as file:
            file.write(b"two")
            file.seek(0)
            self.assertEqual(file.read(), b"\xc3\xa9\ntwo")
        with self.broker.open("text", encoding="utf-8") as file:
            self.assertEqual(list(file), ["é\n", "two"])
        with self.assertRaises(FileExistsError):
            self.broker.open("text", "x")
        with self.assertRaises(ValueError):
            self.broker.open("text", "q")
        self.broker.unlink("text")

    def test_errors_are_those_of_os(self) -> None:
        with self.assertRaises(FileNotFoundError) as missing:
            self.broker.open("missing")
        self.assertEqual((missing.exception.errno, missing.exception.filename), (errno.ENOENT, "missing"))
        self.broker.mkdir("d")
        with self.assertRaises(IsADirectoryError):
            self.broker.open("d", "w")
        with self.assertRaises(FileExistsError):
            self.broker.mkdir("d")
        with self.assertRaises(NotADirectoryError):
            self.broker.listdir("d/../" + self.file("plain"))
        self.broker.rmdir("d")
        with self.assertRaises(sallyport.BrokerError) as not_text:
            self.broker.mkdir(b"bad\xff")
        self.assertEqual((not_text.exception.errno, not_text.exception.code), (errno.EILSEQ, "INVALID"))

    def file(self, name: str, text: str = "") -> str:
        with self.broker.open(name, "w") as file:
            file.write(text)
        return name

    def test_a_denial_says_why(self) -> None:
        with self.assertRaises(PermissionError) as refused:
            self.broker.open(OUTSIDE / "file", "a")
        error = refused.exception
        self.assertIsInstance(error, sallyport.DeniedError)
        self.assertEqual((error.errno, error.code), (errno.EACCES, "DENIED"))
        self.assertEqual(error.denial.rule, "default-deny")
        self.assertEqual(error.denial.op, "open")
        self.assertEqual(error.denial.path, str(OUTSIDE / "file"))
        self.assertIn("--write", error.denial.next_steps[0])
        self.assertEqual((error.denial.layer, error.denial.retryable), ("profile", False))
        self.assertTrue(error.denial.allowed_roots)
        with self.assertRaises(PermissionError) as setuid:
            self.broker.chmod(self.file("program"), 0o4755)
        self.assertEqual(setuid.exception.errno, errno.EPERM)

    def test_names_and_metadata(self) -> None:
        self.broker.mkdir("names")
        self.broker.rename(self.file("one", "1"), "names/one")
        self.broker.link("names/one", "names/two")
        self.broker.symlink("two", "names/soft")
        self.broker.mkfifo("names/pipe")
        self.assertEqual(sorted(self.broker.listdir("names")), ["one", "pipe", "soft", "two"])
        self.assertEqual(self.broker.stat("names/soft", follow_symlinks=False).kind, "symlink")
        self.broker.chmod("names/one", 0o600)
        self.broker.truncate("names/one", 5)
        self.broker.chown("names/one")
        self.broker.utime("names/one", "keep", 1_500_000_000_500_000_000)
        found = self.broker.stat("names/two")
        self.assertEqual((found.size_bytes, found.link_count, found.mode & 0o777), (5, 2, 0o600))
        self.assertTrue(found.is_file)
        self.assertEqual(os.stat("names/one").st_mtime_ns, 1_500_000_000_500_000_000)
        with self.assertRaises(FileExistsError):
            self.broker.rename("names/one", "names/two", existing="refuse")
        for name in self.broker.listdir("names"):
            self.broker.unlink(f"names/{name}")
        self.broker.rmdir("names")

    def test_a_transaction_is_all_or_nothing(self) -> None:
        self.file("whole", "old")
        with self.broker.transaction("whole") as write:
            write.file.write("new")
            self.assertEqual(Path("whole").read_text(), "old")
        self.assertEqual(Path("whole").read_text(), "new")
        with self.assertRaises(KeyError), self.broker.transaction("whole") as write:
            write.file.write("lost")
            raise KeyError
        self.assertEqual(Path("whole").read_text(), "new")
        with self.broker.transaction("whole", "wb") as write:
            write.file.write(b"bytes")
            copy = os.dup(write.file.fileno())
            with self.assertRaises(OSError) as busy:
                write.commit()
            self.assertEqual(busy.exception.errno, errno.EBUSY)
            os.close(copy)
        self.assertEqual(Path("whole").read_text(), "bytes")
        with self.assertRaises(PermissionError):
            self.broker.transaction(OUTSIDE / "file")

    def test_exec_starts_a_program(self) -> None:
        ours, theirs = os.pipe()
        with open("/dev/null") as nothing:
            self.broker.exec(
                "/bin/sh", ["sh", "-c", "echo $WHAT"], env={"WHAT": "said"}, descriptors=[nothing.fileno(), theirs, 2]
            )
        os.close(theirs)
        with os.fdopen(ours) as said:
            self.assertEqual(said.read(), "said\n")

    def test_kill_is_for_processes_of_the_run(self) -> None:
        self.broker.kill(os.getpid(), 0)
        with self.assertRaises(PermissionError):
            self.broker.kill(1, 0)

    def test_threads_and_forks(self) -> None:
        problems = []

        def work(number: int) -> None:
            try:
                for round_ in range(20):
                    name = self.file(f"thread-{number}-{round_}", str(number))
                    with self.broker.open(name) as file:
                        if file.read() != str(number):
                            problems.append(name)
                    self.broker.unlink(name)
            except OSError as error:
                problems.append(repr(error))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        child = os.fork()
        if child == 0:
            self.broker.mkdir("by-child")
            os._exit(0)
        for thread in threads:
            thread.join()
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual(problems, [])
        self.broker.rmdir("by-child")

    def test_a_closed_client_is_closed(self) -> None:
        other = sallyport.connect()
        with other:
            other.stat(".")
        with self.assertRaises(ValueError):
            other.stat(".")
        other.close()

    def test_it_says_where_it_is(self) -> None:
        self.assertRegex(self.broker.run, "^[0-9a-f]{12}$")
        self.assertTrue(self.broker.profile)


if __name__ == "__main__":
    unittest.main()
