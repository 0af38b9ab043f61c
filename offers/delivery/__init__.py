"""Delivery of events of offers outside the API: reminders, outbox, backends, and the job that delivers."""
