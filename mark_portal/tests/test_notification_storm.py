"""10,000 notifications for 100 payments through 64 connections, while page workers are killed five times."""

import contextlib
import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, connections
from django.utils import timezone

from accounts.tests.factories import ContractFactory
from billing import audit
from billing.gateways.sandbox import bank
from billing.models import Account, BankPayment, LedgerEntry, Payment
from billing.tests.factories import PaymentFactory
from mark_portal.private_servers import free_port

pytestmark = pytest.mark.django_db(transaction=True)

PAYMENTS, NOTIFICATIONS, CONNECTIONS, KILLS = 100, 10_000, 64, 5
WORKERS = 2
PATIENCE = 180  # seconds


class Pages:
    """granian as in production, on the test's database.

    It leaves when a worker dies soon after its birth, and the service manager starts it again: so does this.
    """

    def __init__(self):
        self.port = free_port()
        self.is_wanted = True
        self.start()
        self.manager = threading.Thread(target=self.keep_up)
        self.manager.start()

    def start(self):
        database = re.sub(r"[^/]+$", connection.settings_dict["NAME"], os.environ["DATABASE_URL"])
        environment = {"DATABASE_URL": database, "REDIS_URL": settings.REDIS_URL, "REQUEST_LOG_LEVEL": "ERROR"}
        options = ["--interface", "wsgi", "--workers", str(WORKERS), "--blocking-threads", "1", "--no-ws"]
        options += ["--respawn-failed-workers", "--respawn-interval", "0.1", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "granian", *options, "mark_portal.wsgi:application"],
            env=os.environ | environment | {"LOG_LEVEL": "ERROR"},
            cwd=settings.BASE_DIR,
        )

    def keep_up(self):
        while self.is_wanted:
            if self.process.poll() is not None:
                self.start()
            time.sleep(0.1)

    @property
    def workers(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children if b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def kill_a_worker(self):
        """The dead one is counted only when it was there; another comes in its place."""
        with contextlib.suppress(ProcessLookupError, FileNotFoundError, IndexError):
            os.kill(random.choice(self.workers), signal.SIGKILL)
            return True
        return False

    def is_up(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def stop(self):
        self.is_wanted = False
        self.manager.join()
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()


@pytest.fixture
def pages():
    pages = Pages()
    wait_until(pages.is_up)
    yield pages
    pages.stop()


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def paid_at_the_bank(contract):
    """A payment of ours that waits, and which the bank knows to be paid; the bank's signed word about it."""
    payment = PaymentFactory(account_id=contract.pk, account=None, amount=Decimal(random.randint(100, 90_000)) / 100)
    BankPayment.objects.create(
        number=payment.gateway_id,
        idempotence_key=payment.operation,
        amount=payment.amount,
        reference=str(payment.operation),
        contract_number=contract.number,
        method=payment.method,
        return_url="http://testserver/",
        status=BankPayment.Status.SUCCEEDED,
        created_at=timezone.now(),
        paid_at=timezone.now(),
    )
    body = json.dumps({"event": "payment.succeeded", "payment": {"number": payment.gateway_id}}).encode()
    return body, {bank.SIGNATURE: bank.sign(body), "Content-Type": "application/json"}


class Sender:
    """One connection of the gateway's; like a gateway it repeats what was not heard."""

    def __init__(self, port, letters, heard):
        self.port, self.letters, self.heard = port, letters, heard
        self.line = None
        self.failures = 0

    def run(self):
        for body, headers in self.letters:
            deadline = time.monotonic() + PATIENCE
            while not self.was_heard(body, headers):
                self.failures += 1
                assert time.monotonic() < deadline
                time.sleep(0.05)
            self.heard.append(body)
        return self.failures

    def was_heard(self, body, headers):
        try:
            self.line = self.line or http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            self.line.request("POST", "/pay/sandbox/", body, headers)
            answer = self.line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self.line.close()
            self.line = None
            return False
        return answer.status == 200


def test_a_hundred_payments_are_credited_a_hundred_times_though_workers_die(pages):
    contracts = ContractFactory.create_batch(10)
    letters = [paid_at_the_bank(contract) for contract in contracts for _ in range(PAYMENTS // len(contracts))]
    storm = letters * (NOTIFICATIONS // PAYMENTS)
    random.shuffle(storm)
    heard = []
    senders = [Sender(pages.port, storm[number::CONNECTIONS], heard) for number in range(CONNECTIONS)]
    kills = threading.Thread(target=kill_on_the_way, args=[pages, heard])

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        kills.start()
        failures = sum(pool.map(Sender.run, senders))
    kills.join()

    connections.close_all()
    entries = LedgerEntry.objects.filter(kind="topup")
    assert failures > 0
    assert entries.count() == PAYMENTS
    assert set(Payment.objects.values_list("state", flat=True)) == {Payment.State.SUCCEEDED}
    assert sum(Account.objects.values_list("balance", flat=True)) == sum(entries.values_list("amount", flat=True))
    assert not list(audit.differences())


def kill_on_the_way(pages, heard):
    """Evenly spread over the storm."""
    started = time.monotonic()
    for number in range(1, KILLS + 1):
        while len(heard) < NOTIFICATIONS * number // (KILLS + 1) and time.monotonic() - started < 5 * PATIENCE:
            time.sleep(0.01)
        wait_until(pages.kill_a_worker)
