/** The host of a location of Artifact Registry, and that of Secret Manager. */
export const ARTIFACT_HOST = "europe-west1-docker.pkg.dev";
export const SECRET_MANAGER_HOST = "secretmanager.googleapis.com";
