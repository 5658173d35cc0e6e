"""Jira's listings: by token on Cloud, by offset on a server."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Set

from reviewloop.trackers import parse
from reviewloop.trackers.http import Http

PAGE = 100
FIELDS = "summary,status,resolution,assignee,creator,labels,created,updated,resolutiondate"


class Listings:
    """Rows of a project's issues, and of an issue's parts.

    :param place: the tracker, as errors name it.
    """

    def __init__(self, http: Http, project: str, place: str, cloud: bool) -> None:
        self._http = http
        self._project = project
        self._place = place
        self._cloud = cloud

    def search(self, clause: str) -> List[Dict[str, Any]]:
        """The project's issues under a clause of JQL, by key."""
        jql = f'project = "{self._project}" AND {clause} ORDER BY key ASC'
        if not self._cloud:
            return self.pages("/search", {"jql": jql, "fields": FIELDS}, "issues")
        params: Dict[str, Any] = {"jql": jql, "fields": FIELDS, "maxResults": PAGE}
        rows: List[Dict[str, Any]] = []
        seen: Set[str] = set()
        while True:
            data = parse.mapping(self._http.read("/search/jql", params).data, "a listing")
            page = parse.sequence(parse.required(data, "issues", "a listing"), "a listing")
            rows += [parse.mapping(row, "an issue") for row in page]
            token = data.get("nextPageToken")
            if not token or data.get("isLast") is True:
                return rows
            if token in seen:
                raise parse.misread("a listing", "names a next page that was read already")
            seen.add(token)
            params["nextPageToken"] = token

    def pages(self, path: str, params: Mapping[str, Any], name: str) -> List[Dict[str, Any]]:
        """All rows of a listing by offset, read again where it moved meanwhile."""
        return parse.stable(lambda: self._unmoved(path, params, name), self._place)

    def _unmoved(
        self, path: str, params: Mapping[str, Any], name: str
    ) -> Optional[List[Dict[str, Any]]]:
        """All rows; None if some may have been missed.

        Each page begins with the last row of the one before: what leaves the listing in front
        moves the rest up, and that row would be another then.
        """
        rows: List[Dict[str, Any]] = []
        while True:
            place = {"startAt": max(len(rows) - 1, 0), "maxResults": PAGE}
            data = parse.mapping(self._http.read(path, {**params, **place}).data, "a listing")
            listed = parse.sequence(parse.required(data, name, "a listing"), "a listing")
            page = [parse.mapping(row, "a row of a listing") for row in listed]
            ids = [str(parse.required(row, "id", "a row of a listing")) for row in page]
            if rows and ids[:1] != [str(rows[-1]["id"])]:
                return None
            fresh = page[1:] if rows else page
            rows += fresh
            if len(rows) >= int(parse.required(data, "total", "a listing")):
                return rows
            if not fresh:
                return None
