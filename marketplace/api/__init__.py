"""What every endpoint shares: problems, JSON, authentication, pages, throttles and the OpenAPI document."""
