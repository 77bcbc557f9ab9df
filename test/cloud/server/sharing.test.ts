import t from 'tap';
import { sharingContract } from '../../contract/sharing.ts';
import { startTestCloud } from '../../helpers/cloud.ts';

sharingContract(t, startTestCloud);
