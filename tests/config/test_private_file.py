import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from config.private_file import read_or_create


def test_a_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "secret"

    first = read_or_create(path=file, make=secrets.token_hex)

    assert read_or_create(path=file, make=secrets.token_hex) == first
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_many_who_ask_at_once_get_one_secret(tmp_path: Path) -> None:
    def ask(_number: int) -> str:
        return read_or_create(path=tmp_path / "secret", make=secrets.token_hex)

    with ThreadPoolExecutor(max_workers=16) as executor:
        assert len(set(executor.map(ask, range(64)))) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]
