"""An ear at each daemon: `caxton cluster watch`, from the start of the daemon to its end."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from threading import Thread

from caxton_node.devkit.demo.nodes import BIN, wait_for
from tests.chaos.diary import Diary, Entry
from tests.chaos.nodes import ChaosNode

FIRST_WORD_S = 30.0
END_S = 10.0


@dataclass(slots=True)
class Watch:
    """Writes down what one daemon says of the members.

    Attributes:
        node: The daemon.
        diary: Where it is written.
        dropped: Events that the daemon says it could not tell: a diary with gaps proves nothing.
    """

    node: ChaosNode
    diary: Diary
    dropped: int = 0
    _process: subprocess.Popen[str] | None = None
    _reader: Thread | None = None
    _begun: bool = False

    def start(self) -> None:
        """Begin to listen; return when the daemon has named its present members."""
        command = [BIN / "caxton", "--data-dir", self.node.data_dir, "cluster", "watch", "-o", "json"]
        words = [str(word) for word in command]
        with (self.node.data_dir / "watch.log").open("w") as complaints:
            # A session of its own, so that Ctrl-C ends it in order too.
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                start_new_session=True,
            )
        self._reader = Thread(target=self._read, name=f"watch-{self.node.node_id}", daemon=True)
        self._reader.start()
        wait_for(f"{self.node.node_id} to name its members", lambda: self._begun, within_s=FIRST_WORD_S)

    @property
    def is_listening(self) -> bool:
        """Return whether nothing has been missed until now."""
        return self._process is not None and self._process.poll() is None and not self.dropped

    def stop(self) -> None:
        """Stop listening."""
        if self._process is None or self._reader is None:
            return
        self._process.terminate()
        self._process.wait(END_S)
        self._reader.join(END_S)

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                event = json.loads(line)
                self.dropped += event["dropped"]
                self.diary.entries.append(Entry.of(self.node.node_id, event))
                self._begun = True
