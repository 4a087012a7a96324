import { expect, it } from 'vitest';
import { readCi } from './ci.ts';

const C1 = '1'.repeat(40);

it.each([
  [
    'GitHub Actions',
    {
      GITHUB_ACTIONS: 'true',
      GITHUB_SERVER_URL: 'https://github.corp.io',
      GITHUB_REPOSITORY: 'corp/shop',
      GITHUB_SHA: C1,
      GITHUB_REF: 'refs/tags/v1.2.3',
      GITHUB_RUN_ID: '77',
      GITHUB_RUN_ATTEMPT: '2',
      GITHUB_WORKFLOW: 'release',
    },
    {
      builder: 'github-actions',
      job: 'release',
      repository: 'https://github.corp.io/corp/shop',
      commit: C1,
      ref: 'refs/tags/v1.2.3',
      url: 'https://github.corp.io/corp/shop/actions/runs/77/attempts/2',
    },
  ],
  [
    'GitLab CI, whose CI_REPOSITORY_URL holds a token',
    {
      GITLAB_CI: 'true',
      CI_JOB_NAME: 'build',
      CI_PROJECT_URL: 'https://gitlab.corp.io/corp/shop',
      CI_REPOSITORY_URL: 'https://gitlab-ci-token:hunter2@gitlab.corp.io/corp/shop.git',
      CI_COMMIT_SHA: C1,
      CI_COMMIT_BRANCH: 'main',
      CI_JOB_URL: 'https://gitlab.corp.io/corp/shop/-/jobs/5',
    },
    {
      builder: 'gitlab-ci',
      job: 'build',
      repository: 'https://gitlab.corp.io/corp/shop',
      commit: C1,
      ref: 'refs/heads/main',
      url: 'https://gitlab.corp.io/corp/shop/-/jobs/5',
    },
  ],
  [
    'Cloud Build, which leaves empty what it does not know',
    {
      BUILD_ID: 'b-1',
      PROJECT_ID: 'development-485000',
      LOCATION: 'europe-west1',
      TRIGGER_NAME: 'tomoda-dev',
      COMMIT_SHA: C1,
      BRANCH_NAME: 'main',
      TAG_NAME: '',
      REPO_FULL_NAME: 'corp/tomoda',
    },
    {
      builder: 'cloud-build',
      job: 'tomoda-dev',
      repository: undefined,
      commit: C1,
      ref: 'refs/heads/main',
      url: 'https://console.cloud.google.com/cloud-build/builds;region=europe-west1/b-1?project=development-485000',
    },
  ],
  [
    'Jenkins, whose branch has the name of its remote',
    {
      JENKINS_URL: 'https://ci.corp.io/',
      JOB_NAME: 'shop',
      BUILD_ID: '12',
      PROJECT_ID: 'x',
      GIT_URL: 'https://bot:hunter2@git.corp.io/shop.git',
      GIT_COMMIT: C1,
      GIT_BRANCH: 'origin/main',
      BUILD_URL: 'https://ci.corp.io/job/shop/12/',
    },
    {
      builder: 'jenkins',
      job: 'shop',
      repository: 'https://git.corp.io/shop.git',
      commit: C1,
      ref: 'refs/heads/main',
      url: 'https://ci.corp.io/job/shop/12/',
    },
  ],
])('reads what %s says of its job', (_, env, facts) => {
  expect(readCi(env)).toEqual(facts);
  expect(JSON.stringify(readCi(env))).not.toContain('hunter2');
});

it('reads nothing where no CI runs', () => {
  expect(readCi({ CI: 'true', BUILD_ID: '7' })).toBeUndefined();
});
