using PcieOe.FlashEndpoint.Controller;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Queues;

/// <summary>
/// Takes doorbells in (NVMe 1.4, sections 3.1.24 and 3.1.25). One that cannot be right changes nothing: it goes to the error log, and the
/// host is told by an event (section 5.2).
/// </summary>
internal sealed class DoorbellReceiver(NvmeController controller)
{
    private const byte InvalidRegister = 0;
    private const byte InvalidValue = 1;

    private readonly QueueSet _queues = controller.Queues;

    /// <param name="index">Even ones are submission tails, odd ones completion heads.</param>
    public void OnWritten(int index, uint value, long now)
    {
        int id = index >> 1;
        if ((index & 1) == 0)
        {
            OnTail(id, value, now);
        }
        else
        {
            OnHead(id, value, now);
        }
    }

    private void OnTail(int id, uint value, long now)
    {
        if (_queues.FindSubmission(id) is not { } queue)
        {
            Refuse(InvalidRegister, now);
            return;
        }

        bool isValid = queue.TrySetTail(value, now, controller.Host.CurrentOrigin);
        if (queue.HasEntries)
        {
            _queues.MarkEntries(id);
        }

        if (!isValid)
        {
            Refuse(InvalidValue, now);
        }
    }

    private void OnHead(int id, uint value, long now)
    {
        if (_queues.FindCompletion(id) is not { } queue)
        {
            Refuse(InvalidRegister, now);
            return;
        }

        bool isValid = queue.TrySetHead(value);
        if (id == 0)
        {
            controller.Events.Deliver(now);
        }

        if (!isValid)
        {
            Refuse(InvalidValue, now);
        }
    }

    private void Refuse(byte information, long now)
    {
        controller.Errors.Add(new ErrorLogEntry
        {
            SubmissionQueueId = ErrorLog.NoQueue,
            CommandId = 0xFFFF,
            ParameterErrorLocation = 0xFFFF,
        });
        controller.Events.Raise(AsynchronousEventType.ErrorStatus, information, LogPageId.ErrorInformation, now);
    }
}
