import { withoutCredentials } from '../../../git/index.ts';

/** What a CI system says of the job that it runs, in the environment of that job. */
export interface CiFacts {
  /** `github-actions`, `gitlab-ci`, `cloud-build`, `jenkins`. */
  readonly builder: string;
  /** Workflow, job or trigger: what runs again for the next commit. */
  readonly job: string;
  readonly repository: string | undefined;
  readonly commit: string | undefined;
  readonly ref: string | undefined;
  /** Where the system shows it. */
  readonly url: string | undefined;
}

type Env = NodeJS.ProcessEnv;

function text(env: Env, name: string): string | undefined {
  const value = env[name]?.trim();
  // Cloud Build leaves what it does not know as an empty text, or as the name itself.
  return value === undefined || value === '' || value.startsWith('$') ? undefined : value;
}

function refOf(tag: string | undefined, branch: string | undefined): string | undefined {
  if (tag !== undefined) return `refs/tags/${tag}`;
  return branch === undefined ? undefined : `refs/heads/${branch}`;
}

/** https://docs.github.com/actions/reference/workflows-and-actions/variables */
function github(env: Env): CiFacts {
  const server = text(env, 'GITHUB_SERVER_URL') ?? 'https://github.com';
  const name = text(env, 'GITHUB_REPOSITORY');
  const repository = name === undefined ? undefined : `${server}/${name}`;
  const run = text(env, 'GITHUB_RUN_ID');
  const attempt = text(env, 'GITHUB_RUN_ATTEMPT');
  return {
    builder: 'github-actions',
    job: text(env, 'GITHUB_WORKFLOW') ?? 'workflow',
    repository,
    commit: text(env, 'GITHUB_SHA'),
    ref: text(env, 'GITHUB_REF'),
    url:
      repository === undefined || run === undefined
        ? undefined
        : `${repository}/actions/runs/${run}${attempt === undefined ? '' : `/attempts/${attempt}`}`,
  };
}

/** https://docs.gitlab.com/ci/variables/predefined_variables/; CI_REPOSITORY_URL holds a token and is not read. */
function gitlab(env: Env): CiFacts {
  return {
    builder: 'gitlab-ci',
    job: text(env, 'CI_JOB_NAME') ?? 'job',
    repository: text(env, 'CI_PROJECT_URL'),
    commit: text(env, 'CI_COMMIT_SHA'),
    ref:
      refOf(text(env, 'CI_COMMIT_TAG'), text(env, 'CI_COMMIT_BRANCH')) ??
      text(env, 'CI_MERGE_REQUEST_REF_PATH'),
    url: text(env, 'CI_JOB_URL'),
  };
}

/**
 * https://cloud.google.com/build/docs/configuring-builds/substitute-variable-values: these are substitutions, and
 * variables only with `options: {automapSubstitutions: true}` or `env:`. The host of the repository is not among them.
 */
function cloudBuild(env: Env): CiFacts {
  const id = text(env, 'BUILD_ID');
  const project = text(env, 'PROJECT_ID');
  const place = text(env, 'LOCATION') ?? 'global';
  return {
    builder: 'cloud-build',
    job: text(env, 'TRIGGER_NAME') ?? 'build',
    repository: undefined,
    commit: text(env, 'COMMIT_SHA'),
    ref: refOf(text(env, 'TAG_NAME'), text(env, 'BRANCH_NAME')),
    url:
      id === undefined || project === undefined
        ? undefined
        : `https://console.cloud.google.com/cloud-build/builds;region=${place}/${id}?project=${project}`,
  };
}

/** The Git plugin's variables: https://plugins.jenkins.io/git/#plugin-content-environment-variables */
function jenkins(env: Env): CiFacts {
  const url = text(env, 'GIT_URL');
  const branch = text(env, 'BRANCH_NAME') ?? text(env, 'GIT_BRANCH');
  const local = text(env, 'GIT_LOCAL_BRANCH') ?? branch?.replace(/^origin\//, '');
  return {
    builder: 'jenkins',
    job: text(env, 'JOB_NAME') ?? 'job',
    repository: url === undefined ? undefined : withoutCredentials(url),
    commit: text(env, 'GIT_COMMIT'),
    ref: refOf(text(env, 'TAG_NAME'), local),
    url: text(env, 'BUILD_URL'),
  };
}

/** The CI system that this process runs in; undefined where none says so. */
export function readCi(env: Env): CiFacts | undefined {
  if (text(env, 'GITHUB_ACTIONS') === 'true') return github(env);
  if (text(env, 'GITLAB_CI') === 'true') return gitlab(env);
  if (text(env, 'JENKINS_URL') !== undefined || text(env, 'JENKINS_HOME') !== undefined) return jenkins(env);
  return text(env, 'BUILD_ID') !== undefined && text(env, 'PROJECT_ID') !== undefined
    ? cloudBuild(env)
    : undefined;
}
