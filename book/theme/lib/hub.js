// Links from the book into the hub.

/** The hub's front page, in the book's language. */
export const hubHome = (site) => inLanguage(site, "/hub/home");

/** The hub's start page for a page's course; after the start, the assignment's own notebook. */
export function hubUrl(site, frontmatter) {
  const { course, assignment } = frontmatter.site ?? {};
  if (!course) return undefined;
  const query = { course, language: site.language };
  // Answered by minga_open in the session (hub_config/jupyter): fetches the assignment if need be.
  if (assignment) query.next = `/hub/user-redirect/minga/open?${new URLSearchParams({ course, assignment })}`;
  return inLanguage(site, `/hub/spawn?${new URLSearchParams(query)}`);
}

/** The hub remembers the language, then goes on (hub_config/pages/handlers.py). */
const inLanguage = (site, next) => `/hub/language/${site.language}?${new URLSearchParams({ next })}`;
