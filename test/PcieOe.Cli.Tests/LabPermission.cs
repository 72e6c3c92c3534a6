using PcieOe.Cli.Lab;
using Xunit;

namespace PcieOe.Cli.Tests;

/// <summary>Skips tests where network namespaces are not allowed.</summary>
internal static class LabPermission
{
    internal static void Require()
    {
        try
        {
            NetworkNamespace.Create("trial").Dispose();
        }
        catch (LabException exception)
        {
            Assert.Skip(exception.Message);
        }
    }
}
