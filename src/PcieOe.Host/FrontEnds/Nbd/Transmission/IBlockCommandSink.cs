using PcieOe.Host.NvmeDriver;

namespace PcieOe.Host.FrontEnds.Nbd.Transmission;

/// <summary>Where a session's commands go. <see cref="TransmissionSession.OnCompleted"/> is called once for each that was taken.</summary>
internal interface IBlockCommandSink
{
    /// <summary>False: as many as may be are under way; offer it again later.</summary>
    bool TrySubmit(in BlockCommand command);
}
