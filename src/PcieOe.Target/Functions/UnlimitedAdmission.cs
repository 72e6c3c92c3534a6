using PcieOe.Protocol.Functions;

namespace PcieOe.Target.Functions;

/// <summary>No policy: every command starts at once, as best effort.</summary>
public sealed class UnlimitedAdmission : IAdmission
{
    public void Attach(IAdmissionSink sink)
    {
    }

    public Admission Submit(in AdmissionRequest request, long now) => Admission.StartNow(long.MaxValue);

    public void Withdraw()
    {
    }
}
