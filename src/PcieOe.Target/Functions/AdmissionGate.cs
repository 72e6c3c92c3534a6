using PcieOe.Protocol.Functions;

namespace PcieOe.Target.Functions;

/// <summary>
/// Stands before admission control: while more than a session's share waits at the egress queue, commands wait here, in their order,
/// so that what a session holds stays bounded whatever the policy does.
/// </summary>
internal sealed class AdmissionGate(IAdmission admission, EgressQueue egress, FunctionBridgeOptions options, FunctionBridgeCounters counters)
{
    private readonly AdmissionRequest[] _waiting = new AdmissionRequest[options.MaximumTransactions];
    private readonly int _maximumWaitingBytes = options.MaximumWaitingBytes;
    private int _head;
    private int _count;

    private bool IsClosed => egress.WaitingBytes >= _maximumWaitingBytes;

    public Admission Submit(in AdmissionRequest request, long now)
    {
        if (_count == 0 && !IsClosed)
        {
            return admission.Submit(request, now);
        }

        // Only a host that aborts what waits here, again and again, gets so far; the command is never started, until a reset.
        if (_count == _waiting.Length)
        {
            counters.DroppedCommands++;
            return Admission.Deferred;
        }

        int tail = _head + _count++;
        _waiting[tail >= _waiting.Length ? tail - _waiting.Length : tail] = request;
        counters.DeferredCommands++;
        return Admission.Deferred;
    }

    /// <summary>Lets commands on while there is room. True if any started.</summary>
    public bool Admit(IAdmissionSink sink, long now)
    {
        bool hasStarted = false;
        while (_count > 0 && !IsClosed)
        {
            AdmissionRequest request = _waiting[_head];
            _head = _head + 1 == _waiting.Length ? 0 : _head + 1;
            _count--;
            Admission answer = admission.Submit(request, now);
            if (!answer.Starts)
            {
                continue;
            }

            hasStarted = true;
            if (!sink.OnAdmitted(request.Token, answer.DeadlineNanoseconds, now))
            {
                admission.OnVoid(request.Token);
            }
        }

        return hasStarted;
    }

    /// <summary>The function was reset: what waits here and behind is void.</summary>
    public void Clear()
    {
        _head = _count = 0;
        admission.Withdraw();
    }
}
