"""ServiceNow: its settings and fields, its Table API, its records, and the tracker."""
