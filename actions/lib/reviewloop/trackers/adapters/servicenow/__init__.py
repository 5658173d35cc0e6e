"""ServiceNow, in three modules: its settings and fields, its Table API, and the tracker."""
