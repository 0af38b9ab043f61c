"""The layer's tables in PostgreSQL: records that must commit together with the data, or outlive Redis."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone


class CounterBucket(models.Model):
    """The ledger of write-behind counters: one row for each bucket whose increments are in PostgreSQL.

    It is inserted in the transaction that applies the bucket. So a bucket is applied exactly once, however many
    flushers run and wherever one of them dies.
    """

    family = models.CharField(max_length=40)
    shard = models.SmallIntegerField()
    bucket = models.BigIntegerField(help_text="Number of the bucket: its start divided by the bucket width.")
    total = models.BigIntegerField(help_text="Sum of the increments that the bucket held.")
    fields = models.IntegerField(help_text="Number of distinct ids in the bucket.")
    orphaned = models.BigIntegerField(help_text="The part of the total whose row no longer exists.")
    applied_at = models.DateTimeField()
    retained = models.BooleanField(default=True, help_text="Whether Redis may still hold the bucket.")
    surplus = models.BigIntegerField(
        null=True,
        help_text="By how much Redis' sum differed when the bucket was looked at again; null if it was alike.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["family", "shard", "bucket"], name="counter_bucket_once"),
            models.CheckConstraint(
                condition=Q(total__gte=0, fields__gte=0, orphaned__gte=0, orphaned__lte=models.F("total")),
                name="counter_bucket_amounts",
            ),
        ]
        indexes = [
            models.Index(fields=["applied_at"], name="counter_bucket_applied"),
            models.Index(fields=["family"], condition=Q(retained=True), name="counter_bucket_retained"),
        ]
        verbose_name = "flushed bucket"

    def __str__(self) -> str:
        return f"{self.family}/{self.shard}/{self.bucket}: {self.total}"


class CounterField(models.Model):
    """A field of a bucket that was set aside because it could not be applied."""

    class Reason(models.TextChoices):
        """Why: it is not an id with a positive number, or the total would not fit its column."""

        POISON = "poison"
        OVERFLOW = "overflow"

    family = models.CharField(max_length=40)
    shard = models.SmallIntegerField()
    bucket = models.BigIntegerField()
    field = models.CharField(max_length=200)
    value = models.CharField(max_length=200)
    reason = models.CharField(max_length=10, choices=Reason)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(reason__in=["poison", "overflow"]), name="counter_field_reason")
        ]
        indexes = [models.Index(fields=["family", "created_at"], name="counter_field_newest")]
        verbose_name = "field set aside"
        verbose_name_plural = "fields set aside"

    def __str__(self) -> str:
        return f"{self.family}/{self.shard}/{self.bucket} {self.field} = {self.value}: {self.reason}"


class CounterSpill(models.Model):
    """The spill: increments that PostgreSQL accepted while Redis was away. The flush merges and deletes them.

    An id has up to a few rows an hour, one a slot, so that concurrent increments rarely wait for one row's lock.
    """

    family = models.CharField(max_length=40)
    counter = models.BigIntegerField(help_text="The id that was counted.")
    hour = models.DateTimeField()
    slot = models.SmallIntegerField()
    amount = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["family", "counter", "hour", "slot"], name="counter_spill_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="counter_spill_positive"),
        ]
        indexes = [models.Index(fields=["family", "id"], name="counter_spill_oldest")]

    def __str__(self) -> str:
        return f"{self.family} {self.counter} {self.hour:%Y-%m-%d %H}: {self.amount}"


class Invalidation(models.Model):
    """The journal of invalidations: one row for each that has not reached Redis yet.

    It is inserted in the transaction whose changes invalidate entries, and deleted once Redis has erased them. So no
    invalidation is lost to an outage of Redis, or to the death of the writer right after its commit.
    """

    namespace = models.CharField(max_length=64)
    ids = models.JSONField(null=True, help_text="The ids that were invalidated; null clears the namespace.")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.namespace}: {'everything' if self.ids is None else len(self.ids)}"


class Dictionary(models.Model):
    """A trained zstd dictionary. The newest of a namespace packs; older ones unpack the entries they packed."""

    number = models.BigIntegerField(primary_key=True, help_text="What packed entries name it by; made from its data.")
    namespace = models.CharField(max_length=64)
    data = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)
    samples = models.IntegerField(help_text="Number of bodies that it was trained on.")
    raw_bytes = models.BigIntegerField(help_text="Size of the bodies that it was tried on, which are others.")
    packed_bytes = models.BigIntegerField(help_text="Size of the same bodies packed with it.")

    class Meta:
        verbose_name_plural = "dictionaries"
        indexes = [models.Index(fields=["namespace", "-created_at"], name="dictionary_newest")]
        constraints = [
            models.CheckConstraint(condition=Q(number__gte=0, number__lt=2**32), name="dictionary_number_32_bit")
        ]

    def __str__(self) -> str:
        return f"{self.namespace} {self.number:08x}"


class JobRun(models.Model):
    """One run of a job: when it started, how it ended and what it did."""

    class Outcome(models.TextChoices):
        """How a run ended; `lost` means that its process died before it recorded an outcome."""

        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        LOST = "lost"

    job = models.CharField(max_length=80)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.RUNNING)
    stats = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=["running", "succeeded", "failed", "lost"]), name="job_run_outcome"
            ),
            models.CheckConstraint(
                condition=Q(outcome="running", finished_at__isnull=True)
                | (~Q(outcome="running") & Q(finished_at__isnull=False)),
                name="job_run_finished",
            ),
        ]
        indexes = [
            models.Index(fields=["job", "-started_at"], name="job_run_latest"),
            models.Index(fields=["job"], condition=Q(outcome="running"), name="job_run_running"),
            models.Index(fields=["started_at"], name="job_run_started"),
        ]

    def __str__(self) -> str:
        return f"{self.job} {self.started_at:%Y-%m-%d %H:%M:%S} {self.outcome}"
