"""Settings are read strictly: a mistake names its variable."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from realtime_ops import env


@pytest.mark.parametrize(("given", "read"), [("1", True), ("yes", True), ("0", False), ("Off", False), ("", True)])
def test_a_flag_is_read_in_words_and_digits(monkeypatch, given, read):
    monkeypatch.setenv("A_FLAG", given)
    assert env.flag("A_FLAG", default=True) is read


@pytest.mark.parametrize(("reader", "value"), [(env.flag, "maybe"), (lambda name: env.number(name, 1), "-3")])
def test_nonsense_is_refused_by_name(monkeypatch, reader, value):
    monkeypatch.setenv("A_SETTING", value)
    with pytest.raises(ImproperlyConfigured, match="A_SETTING"):
        reader("A_SETTING")


def test_a_number_has_a_least_value(monkeypatch):
    monkeypatch.setenv("A_NUMBER", "0")
    with pytest.raises(ImproperlyConfigured, match="at least 1"):
        env.number("A_NUMBER", 5, least=1)
    monkeypatch.delenv("A_NUMBER")
    assert env.number("A_NUMBER", 5, least=1) == 5


def test_a_secret_may_be_a_file(monkeypatch, tmp_path):
    (tmp_path / "key").write_text("  from the file\n")
    monkeypatch.setenv("A_SECRET_FILE", str(tmp_path / "key"))
    assert env.secret("A_SECRET") == "from the file"
    monkeypatch.setenv("A_SECRET_FILE", str(tmp_path / "none"))
    with pytest.raises(ImproperlyConfigured, match="A_SECRET_FILE"):
        env.secret("A_SECRET")


def test_a_database_url_may_name_a_socket_and_escape_its_password():
    found = env.database("postgresql://me:p%40ss@/ops?host=%2Frun%2Fpg&sslmode=disable")
    assert (found["HOST"], found["NAME"], found["USER"], found["PASSWORD"]) == ("/run/pg", "ops", "me", "p@ss")
    assert found["OPTIONS"] == {"sslmode": "disable"}
    found = env.database("postgres://db.internal:5433/ops")
    assert (found["HOST"], found["PORT"]) == ("db.internal", "5433")


def test_another_database_is_refused():
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        env.database("sqlite:///ops.db")


def test_a_broken_services_file_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(env, "STATE_DIR", tmp_path)
    assert env.local_services() == {}
    (tmp_path / "services.json").write_text("{")
    with pytest.raises(ImproperlyConfigured, match="delete it"):
        env.local_services()
