namespace PcieOe.Protocol.Functions;

/// <summary>
/// Admission control as one function sees it: says when each of its fetched commands starts. One instance for each session;
/// instances of one tenant may share a policy behind it. Same thread as the function; nothing here may allocate in steady state.
/// </summary>
public interface IAdmission
{
    /// <summary>Names whom to tell about deferred commands. Called once, before any other member.</summary>
    void Attach(IAdmissionSink sink);

    /// <summary>A command has been fetched. The sink is never called inside this call.</summary>
    Admission Submit(in AdmissionRequest request, long now);

    /// <summary>
    /// The function has the result of a command: it waits for nothing but its way to the host. Also called for commands that were never
    /// let on (they were aborted), for those that are not subject to admission, and again for one that was blocked on its way.
    /// </summary>
    void OnServed(TransactionToken token, long now)
    {
    }

    /// <summary>A transaction has been written, whole. As <see cref="OnServed"/>, also called for what was never submitted here.</summary>
    void OnCompleted(TransactionToken token, long now)
    {
    }

    /// <summary>The class of a command that has started and not been completed, for those who measure: the tenant's first is 1; 0: there are none.</summary>
    byte ClassOf(TransactionToken token) => 0;

    /// <summary>A command that was let start by the answer to <see cref="Submit"/> had gone already.</summary>
    void OnVoid(TransactionToken token)
    {
    }

    /// <summary>The function was reset: whatever is deferred here is void, and the sink must not hear of it.</summary>
    void Withdraw();
}

/// <summary>Who hears that a deferred command may start.</summary>
public interface IAdmissionSink
{
    /// <param name="deadlineNanoseconds">As in <see cref="Admission.DeadlineNanoseconds"/>.</param>
    /// <returns>False: the command has gone (it was aborted), nothing started.</returns>
    bool OnAdmitted(TransactionToken token, long deadlineNanoseconds, long now);
}
