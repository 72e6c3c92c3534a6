using PcieOe.FlashEndpoint.Controller;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Admin;

/// <summary>
/// Joins asynchronous event requests and events (NVMe 1.4, section 5.2). An event reported masks its type until the host has read the
/// log page that belongs to it. One event of each kind waits at most.
/// </summary>
internal sealed class AsynchronousEvents(NvmeController controller)
{
    /// <summary>AERL + 1.</summary>
    public const int MaximumRequests = 8;

    private readonly Command?[] _requests = new Command?[MaximumRequests];
    private readonly uint[] _events = new uint[8];
    private readonly bool[] _hasEvent = new bool[8];
    private readonly bool[] _masked = new bool[8];
    private int _requestCount;

    /// <summary>Parks a request; false: too many are parked. It gives its place in the completion queue back until there is an event.</summary>
    public bool TryPark(Command request, long now)
    {
        if (_requestCount == MaximumRequests)
        {
            return false;
        }

        request.State = CommandState.Parked;
        request.Queue.Completions.Reserved--;
        _requests[_requestCount++] = request;
        Deliver(now);
        return true;
    }

    /// <summary>Something happened. Information is that of figure 147 ff.; the log page is the one that clears the event.</summary>
    public void Raise(AsynchronousEventType type, byte information, LogPageId logPage, long now)
    {
        int index = (int)type & 7;
        if (!_masked[index])
        {
            _events[index] = (uint)type | (uint)information << 8 | (uint)logPage << 16;
            _hasEvent[index] = true;
            Deliver(now);
        }
    }

    /// <summary>The host has read a log page without asking for the event to be retained: it knows what had not been reported yet, too.</summary>
    public void OnLogPageRead(LogPageId logPage)
    {
        AsynchronousEventType? type = logPage switch
        {
            LogPageId.ErrorInformation => AsynchronousEventType.ErrorStatus,
            LogPageId.SmartHealth => AsynchronousEventType.SmartHealth,
            LogPageId.ChangedNamespaces => AsynchronousEventType.Notice,
            _ => null,
        };
        if (type is { } known)
        {
            _masked[(int)known] = false;
            _hasEvent[(int)known] = false;
        }
    }

    /// <summary>Completes requests that have an event, as far as the admin completion queue has room.</summary>
    public void Deliver(long now)
    {
        for (int i = 0; i < _events.Length && _requestCount > 0; i++)
        {
            Command request = _requests[_requestCount - 1]!;
            if (_hasEvent[i] && request.Queue.Completions.Room > 0)
            {
                _requests[--_requestCount] = null;
                _hasEvent[i] = false;
                _masked[i] = true;
                request.Queue.Completions.Reserved++;
                request.State = CommandState.Active;
                request.Result = _events[i];
                controller.Pipeline.Complete(request, NvmeStatus.Success, now);
            }
        }
    }

    /// <summary>Takes a parked request back for an abort; false: it is none.</summary>
    public bool TryUnpark(Command request)
    {
        int index = Array.IndexOf(_requests, request, 0, _requestCount);
        if (index < 0 || request.Queue.Completions.Room <= 0)
        {
            return false;
        }

        _requests[index] = _requests[--_requestCount];
        _requests[_requestCount] = null;
        request.Queue.Completions.Reserved++;
        request.State = CommandState.Active;
        return true;
    }

    public void Reset()
    {
        Array.Clear(_requests);
        Array.Clear(_hasEvent);
        Array.Clear(_masked);
        _requestCount = 0;
    }
}
